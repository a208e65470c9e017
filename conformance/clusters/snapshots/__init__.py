"""Snapshots: an embedded cluster as it was at one moment, kept in the cache and started again.

What is started again is called a fork; any number of them run side by side. disk.py is what a
snapshot has of a node's disk and how a fork gets it, content.py how damage is found, store.py the
entries of the cache, room.py whether the disk has room for another one. Why it is done this way:

- A snapshot is made of a node that was killed, by moving its disk. That is what checks do to a
  node, too, so everything on it is known to start again from there. Memory is not kept: processes
  start anew, and by that have no clock, connection or address of the past.
- A fork has an address of its own, as every cluster. Few things hold a node's address: the
  certificates of its servers, kubeconfigs and arguments, which are written anew. The rest (the
  node's and pods' status) the cluster corrects by itself as it starts, but for the API server's own
  address, which is taken out before.
  The alternative, one address for the insides of all forks and another for the outside, would have
  nodes and Ingresses tell of an address that does not lead to them.
- The node's name is that of the cluster that the snapshot was made of: volumes are bound to it.
- Layers of images, most of the files, are shown read-only to each fork and never copied. Blobs
  of images, most of the bytes, are hard links: whoever has them writes each once, under its hash.
  The rest (etcd, volumes, settings) is copied, by reflink where the file system can. An overlay of
  the whole disk would copy less, but containerd cannot have its own overlays on one.
- All forks of one snapshot have the same certificate authorities, passwords and tokens, and the
  same ids of Kubernetes' objects. Machine id, certificates and addresses are each one's own.
"""

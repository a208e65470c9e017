"""Processes in Linux namespaces of their own, which end with the process that owns them.

sandbox.py is the owner's end. init.py is the sandbox's PID 1 and rootfs.py its file system, both
imported in there: nothing here may import anything slow.
"""

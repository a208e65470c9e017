"""What the suite uses of the kubernetes package; ``transport`` imports it when it connects."""

from kubernetes import client, config
from kubernetes.stream.ws_client import websocket_proxycare
from kubernetes.utils.keepalive import tcp_keepalive_socket_options

__all__ = ["client", "config", "tcp_keepalive_socket_options", "websocket_proxycare"]

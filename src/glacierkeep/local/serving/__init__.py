"""The local Glacier over HTTP/1.1: a server of threads, on nothing but sockets."""

from glacierkeep.local.serving.exchange import Answered
from glacierkeep.local.serving.server import Server, Tell, serve

__all__ = ["Answered", "Server", "Tell", "serve"]

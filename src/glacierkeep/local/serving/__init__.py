"""The local Glacier over HTTP/1.1: a server of threads, on nothing but sockets.

Cheroot was looked at and left: a connection that says nothing holds one of its threads, its pool does not grow,
bytes go through pure Python buffers and an unread body into memory, repeated headers are lost, and it ends a
connection so that a client cannot be made to see a reset. The standard library's server holds a thread for each
idle connection and rewrites paths that are signed.
"""

from glacierkeep.local.serving.exchange import Answered
from glacierkeep.local.serving.server import Server, Tell, serve

__all__ = ["Answered", "Server", "Tell", "serve"]

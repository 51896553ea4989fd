"""The local Glacier: the vault API of Amazon Glacier (2012-06-01) on this disk, for one process or many.

It stands on the other side of the wire: nothing of glacierkeep but ``clock`` is known here.
"""

from glacierkeep.local.service import LocalGlacier
from glacierkeep.local.wire.messages import ConnectionLost, Headers, Request, Response

__all__ = ["ConnectionLost", "Headers", "LocalGlacier", "Request", "Response"]

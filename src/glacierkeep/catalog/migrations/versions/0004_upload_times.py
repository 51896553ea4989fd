"""When an upload last moved: the service may forget one that is idle for a day.

Revision 0004.
"""

import sqlalchemy as sa
from alembic import op

from glacierkeep.catalog.columns import Big

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uploads", sa.Column("moved_at", Big))

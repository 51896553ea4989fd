"""The tables of the state, version by version. Times are milliseconds since 1970 UTC on the service's clock."""

# A vault counts its changes (archives that came or went). An archive belongs to the state after
# change n when born <= n and (died is null or died > n): so an inventory is one number, whatever
# is uploaded or deleted later. Deleted archives therefore stay as rows without bytes.
_FIRST = """
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE vaults (
    vault INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    changes INTEGER NOT NULL DEFAULT 0,
    first_change INTEGER,
    last_change INTEGER,
    archive_count INTEGER NOT NULL DEFAULT 0,
    archive_bytes INTEGER NOT NULL DEFAULT 0,
    inventory_changes INTEGER NOT NULL DEFAULT 0,
    inventory_date INTEGER,
    inventory_count INTEGER NOT NULL DEFAULT 0,
    inventory_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account, region, name)
);

CREATE TABLE archives (
    archive INTEGER PRIMARY KEY AUTOINCREMENT,
    vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    created INTEGER NOT NULL,
    size INTEGER NOT NULL,
    tree_hash TEXT NOT NULL,
    born INTEGER NOT NULL,
    died INTEGER,
    held INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX archives_of_vault ON archives (vault, archive);
CREATE INDEX archives_held ON archives (archive) WHERE held = 1;

CREATE TABLE pieces (
    archive INTEGER NOT NULL REFERENCES archives ON DELETE CASCADE,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    file TEXT NOT NULL UNIQUE,
    leaves BLOB NOT NULL,
    PRIMARY KEY (archive, start)
);

CREATE TABLE uploads (
    upload INTEGER PRIMARY KEY AUTOINCREMENT,
    vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    part_size INTEGER NOT NULL,
    created INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'completed', 'aborted')),
    archive INTEGER REFERENCES archives ON DELETE SET NULL
);
CREATE INDEX uploads_of_vault ON uploads (vault, upload);
CREATE INDEX uploads_touched ON uploads (touched);
CREATE INDEX uploads_archive ON uploads (archive);

CREATE TABLE parts (
    upload INTEGER NOT NULL REFERENCES uploads ON DELETE CASCADE,
    start INTEGER NOT NULL,
    size INTEGER NOT NULL,
    tree_hash TEXT NOT NULL,
    file TEXT NOT NULL UNIQUE,
    leaves BLOB NOT NULL,
    PRIMARY KEY (upload, start)
);

CREATE TABLE jobs (
    job INTEGER PRIMARY KEY AUTOINCREMENT,
    vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    description TEXT,
    sns_topic TEXT,
    created INTEGER NOT NULL,
    completes INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    failure TEXT,
    tier TEXT,
    archive INTEGER REFERENCES archives ON DELETE CASCADE,
    start INTEGER,
    stop INTEGER,
    tree_hash TEXT,
    format TEXT,
    start_date TEXT,
    end_date TEXT,
    item_limit INTEGER,
    marker TEXT,
    snapshot INTEGER,
    snapshot_date INTEGER,
    output TEXT UNIQUE,
    output_size INTEGER,
    next_marker TEXT
);
CREATE INDEX jobs_of_vault ON jobs (vault, job);
CREATE INDEX jobs_archive ON jobs (archive);
CREATE INDEX jobs_expires ON jobs (expires);

-- Files nothing refers to any more, until it is certain that they are gone.
CREATE TABLE discards (
    file TEXT PRIMARY KEY
) WITHOUT ROWID;
"""

# What the policies, tags and notifications of vaults need; and messages on their way to topics.
_SECOND = """
CREATE TABLE notifications (
    vault INTEGER PRIMARY KEY REFERENCES vaults ON DELETE CASCADE,
    topic TEXT NOT NULL,
    events TEXT NOT NULL
);

CREATE TABLE tags (
    vault INTEGER NOT NULL REFERENCES vaults ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (vault, name)
) WITHOUT ROWID;

CREATE TABLE access_policies (
    vault INTEGER PRIMARY KEY REFERENCES vaults ON DELETE CASCADE,
    policy TEXT NOT NULL
);

-- A lock without a date of expiry is complete.
CREATE TABLE locks (
    vault INTEGER PRIMARY KEY REFERENCES vaults ON DELETE CASCADE,
    id TEXT NOT NULL,
    policy TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER
);

CREATE TABLE retrieval_policies (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    strategy TEXT NOT NULL,
    bytes_per_hour INTEGER,
    PRIMARY KEY (account, region)
) WITHOUT ROWID;

CREATE TABLE capacity (
    capacity INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    started INTEGER NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX capacity_of_account ON capacity (account, region, expires);

ALTER TABLE jobs ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_untold ON jobs (completes) WHERE told = 0;
CREATE INDEX jobs_of_tier ON jobs (tier, created);

-- Noted and claimed are moments of the computer's own clock: whoever claims a message is publishing it.
CREATE TABLE messages (
    message INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    body TEXT NOT NULL,
    noted INTEGER NOT NULL,
    claimed INTEGER NOT NULL DEFAULT 0
);

-- A rule as it was ordered, how many requests it has met, and on how many it took effect.
CREATE TABLE faults (
    fault INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL,
    met INTEGER NOT NULL DEFAULT 0,
    done INTEGER NOT NULL DEFAULT 0
);
"""

VERSIONS = (_FIRST, _SECOND)
"""What each version adds to the one before it."""

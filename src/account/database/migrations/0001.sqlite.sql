CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    email_canonical TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- `,ops,staff,`, so that one is found by `LIKE`.
    member_of TEXT NOT NULL,
    -- A JSON object of strings.
    attributes TEXT NOT NULL,
    approval TEXT NOT NULL CHECK (approval IN ('pending', 'approved', 'rejected')),
    decided_at INTEGER,
    decided_by TEXT,
    decision_reason TEXT,
    disabled INTEGER NOT NULL,
    email_verified INTEGER,
    password TEXT,
    -- Changes with the password, and not with a new hash of the same one.
    credential TEXT NOT NULL,
    language TEXT,
    created INTEGER NOT NULL,
    last_sign_in INTEGER,
    revision INTEGER NOT NULL,
    -- What is searched in: username, address and name in the form in which they are compared.
    search TEXT NOT NULL
) STRICT;

CREATE INDEX accounts_pending ON accounts (created, id) WHERE approval = 'pending';

-- The names and addresses of accounts that were deleted.
CREATE TABLE retired (
    login TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX retired_by_account ON retired (account);

CREATE TABLE trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    by_whom TEXT,
    account TEXT,
    address TEXT,
    request_id TEXT,
    detail TEXT
) STRICT;

CREATE INDEX trail_by_account ON trail (account, id);
CREATE INDEX trail_by_whom ON trail (by_whom, id);
CREATE INDEX trail_by_event ON trail (event, id);
CREATE INDEX trail_by_time ON trail (at);

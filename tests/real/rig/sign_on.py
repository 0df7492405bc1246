"""What the embedded store keeps of sign-ons, made older: the clock of the real program cannot be turned."""

import sqlite3

FORMAT = 2
LOCATOR, PASSWORD = 16, 8


def make_older(gateway, seconds, account=None):
    """Both factors of all sign-ons, or of one account's, were proved so much earlier. How many there were."""
    aged = 0
    state = sqlite3.connect(gateway.folder / "data" / "state.db", timeout=10)
    with state:
        for key, value in state.execute("SELECT key, value FROM records").fetchall():
            if (older := _older(value, seconds * 1000, account)) is not None:
                state.execute("UPDATE records SET value = ? WHERE key = ?", (older, key))
                aged += 1
    state.close()
    return aged


def _older(value, by, account):
    """The record with its two times of proof changed; `None` if it is no sign-on, or another's."""
    if value[:1] != bytes([FORMAT]) or len(value) < 60:
        return None
    length, begin = _number(value, 1 + LOCATOR)
    if account is not None and value[begin : begin + length].decode() != account:
        return None
    at = begin + length + PASSWORD
    at += 1 + PASSWORD * value[at]
    password, after = _number(value, at)
    changed = value[:at] + _bytes(password - 2 * by)
    if value[after]:
        code, end = _number(value, after + 1)
        return changed + b"\1" + _bytes(code - 2 * by) + value[end:]
    return changed + value[after:]


def _number(value, at):
    """A number in groups of seven bits, and where it ends. Times are written doubled, their sign in the last bit."""
    number = shift = 0
    while True:
        number |= (value[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if value[at - 1] < 0x80:
            return number, at


def _bytes(number):
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(written + bytes([number]))

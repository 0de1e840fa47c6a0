"""Backups of everything a county cannot make again, and their way back (GD/J 088 table 1, clause 6.2.10 e).

`make` writes one archive while the daemon runs, `restoring` brings one back, `clerk` is the daemon's own timer.
"""

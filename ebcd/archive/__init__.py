"""The equipment archive (电子档案): the further columns of inventory.csv, by resource code."""

from ebcd.archive.book import Archive
from ebcd.archive.record import EMPTY, Record, Status

__all__ = ["EMPTY", "Archive", "Record", "Status"]

"""Evidence from adapters' monitors: copies of what they play, compared with what was ordered."""

from ebcd.monitor.monitor import Monitor, MonitorRule

__all__ = ["Monitor", "MonitorRule"]

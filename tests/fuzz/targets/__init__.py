"""One module per protocol: functions that take any bytes and return nothing."""

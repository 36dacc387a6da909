"""The series in InfluxDB."""

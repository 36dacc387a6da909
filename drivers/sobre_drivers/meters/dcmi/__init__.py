"""Servers whose management controller speaks DCMI, by way of `ipmitool`."""

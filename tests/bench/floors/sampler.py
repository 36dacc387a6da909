"""The least that samples a machine: its processor times each minute, and nothing done with them."""

import time

import psutil

SAMPLE_S = 60

while True:
    psutil.cpu_times()
    time.sleep(SAMPLE_S)

"""Nothing but the modules that an agent without TLS cannot do without."""

import logging
import signal
import sqlite3
import tomllib

import psutil

NEEDED = (logging, psutil, sqlite3, tomllib)

signal.pause()

"""`python -m sobre_collector`."""

import sys

from sobre_collector.cli import main

sys.exit(main())

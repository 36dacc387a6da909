"""`python -m sobre_agent`."""

import sys

from sobre_agent.cli import main

sys.exit(main())

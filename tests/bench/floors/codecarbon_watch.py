"""codecarbon as its documentation has it, watching this machine each 15 s: `FOLDER`.

Runs in an environment of its own, which has codecarbon and nothing of ours.
"""

import signal
import sys

from codecarbon import OfflineEmissionsTracker  # type: ignore[import-not-found]

tracker = OfflineEmissionsTracker(
    country_iso_code="FRA",
    measure_power_secs=15,
    output_dir=sys.argv[1],
    log_level="error",
    allow_multiple_runs=True,
)
tracker.start()
signal.pause()

"""`make accuracy`: score the estimates into docs/accuracy.md; `--fit` prints the parameters."""

import argparse
from statistics import median

from accuracy import fits
from accuracy.document import tables, write
from accuracy.estimators import generations, model, monitor
from accuracy.tables import TABLES, declared, held_out, servers, steps


def main() -> int:
    """0 done, 1 where the tables are not there."""
    parser = argparse.ArgumentParser(prog="make accuracy", description=__doc__)
    parser.add_argument("--fit", action="store_true", help="print what the fitting half asks for")
    args = parser.parse_args()
    if not TABLES.is_dir():
        print(f"{TABLES}: not there; the tables are not part of the project")
        return 1
    if args.fit:
        _fit()
    else:
        write()
        print(tables())
    return 0


def _fit() -> None:
    """What is written into drivers/sobre_drivers/pc/models by hand, rounded."""
    machines = [row for row in servers() if not held_out(row.key)]
    for each in generations().generations:
        own = [
            row for row in machines if fits.generation_of(row, generations().generations) == each
        ]
        if own:
            idle_w = median(row.power_w[0] for row in own)
            swing_w = median(row.power_w[-1] - row.power_w[0] for row in own)
            step, exponent = fits.curve(own)
            print(f"{each.name}: {len(own)} machines, step {step}, exponent {exponent},", end=" ")
            print(f"idle_w {idle_w:.0f}, swing_w {swing_w:.0f}")
    models = [row for row in declared() if not held_out(row.key)]
    for kind in sorted({row.kind for row in models} - {"monitor"}):
        own_kind = [row for row in models if row.kind == kind]
        parts = model(kind.split()[0])
        idle_w = fits.idle_w(own_kind, parts.off_w, parts.sleep_w)
        print(f"{kind}: {len(own_kind)} models, idle_w {idle_w:.1f}")
    base_w, w_per_in2 = fits.screen([r for r in models if r.kind == "monitor"], monitor())
    print(f"monitor: base_w {base_w}, w_per_in2 {w_per_in2}")
    print(
        "the desktop at a plug: idle_w {}, swing_w {}, exponent {}".format(
            *fits.plug_curve(steps())
        )
    )
    print(f"the desktop at a plug: rest_w {fits.offset_w(steps()):.0f} beside its counter")


if __name__ == "__main__":
    raise SystemExit(main())

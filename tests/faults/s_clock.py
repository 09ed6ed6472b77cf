"""Clocks jump (no time passes). Nodes judge by Redis' clock, so what theirs say does not matter. When Redis'
own jumps, access tokens of before are expired by it, or not yet valid: their browsers refresh and go on, and nobody has
to sign in.
"""

import nodes
from sites import MadeKeys
from stage import scenario

HOUR = 3600


class ClockSite(MadeKeys, nodes.Site):
    def __init__(self, name, settings=(), **more):
        super().__init__(name, settings=("mirror.enabled=yes", *settings), wall_only=True, **more)

    def keys(self):
        return self.redis.keys()

    def set_redis_clock(self, offset):
        self.offsets[0] = offset
        self.set_clocks()


@scenario(quick=True, site=ClockSite)
def the_clock_of_a_node_jumps_by_an_hour(stage):
    with stage.fault(refuses=False):
        for offset in (HOUR, 0, -HOUR, 0):
            stage.site.set_clock(1, offset)
            stage.go_on(0.4)


@scenario(site=ClockSite, offsets=[-150, 150])
def two_nodes_are_five_minutes_apart(stage):
    with stage.fault(refuses=False):
        stage.go_on(1)


# Until a node has heard Redis' new time (a heartbeat), what the other one issues by it is of another time for it as well.
REPAIRS = ("expired", "not_yet_valid")


def jump(stage, expected, *offsets):
    """expected: errors that sessions of before must run into."""
    with stage.fault(refuses=False):
        for offset in offsets:
            stage.site.set_redis_clock(offset)
            stage.go_on(0.6)
            for keeper in stage.keepers[:2]:
                stage.shows(stage.prober.check(keeper), "a session of before is lost")
    repaired = {error: sum(1 for e in stage.books.events if e.truth == error) for error in stage.repairs}
    stage.note("; ".join(f"{count} checks were {error.replace('_', ' ')}, and a refresh followed"
                         for error, count in repaired.items() if count))
    stage.shows(all(repaired[error] for error in expected), f"the clock did not count: {repaired}")


@scenario(site=ClockSite, repairs=REPAIRS)
def the_clock_of_redis_jumps_an_hour_ahead(stage):
    jump(stage, ("expired",), HOUR)


@scenario(site=ClockSite, repairs=REPAIRS)
def the_clock_of_redis_jumps_an_hour_back(stage):
    jump(stage, ("not_yet_valid",), -HOUR)


@scenario(site=ClockSite, repairs=REPAIRS)
def the_clock_of_redis_goes_an_hour_ahead_and_back(stage):
    jump(stage, REPAIRS, HOUR, 0)

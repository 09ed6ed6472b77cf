"""Redis itself dies, hangs or forgets."""

import threading

from stage import scenario


@scenario(quick=True)
def redis_is_killed_and_restarted_with_its_data(stage):
    with stage.fault():
        stage.store.kill()
        stage.go_on(1)
        stage.store.start()


@scenario(quick=True, redis=("--appendonly", "no"), users_file=True)
def redis_is_killed_and_restarted_without_its_data(stage):
    """Exactly the sessions of before are lost: their users sign in anew, and are asked to, not shown an error."""
    with stage.fault(), stage.store_loses():
        stage.store.kill()
        stage.go_on(0.7)
        stage.store.start()


@scenario(quick=True)
def redis_hangs(stage):
    with stage.fault(hangs=True):
        stage.store.stop()
        stage.go_on(1.8)
        stage.store.go_on()
    stage.cost_of_waiting()


@scenario()
def redis_is_killed_and_restarted_five_times_in_a_row(stage):
    for _ in range(5):
        with stage.fault():
            stage.store.kill()
            stage.go_on(0.2)
            stage.store.start()


@scenario(users_file=True)
def redis_is_wiped(stage):
    """FLUSHALL: whoever was signed in is asked to sign in, and can."""
    with stage.fault(refuses=False), stage.store_loses():
        stage.store.ask("FLUSHALL")


@scenario(settings=("session.refresh_grace=1",))
def redis_hangs_and_those_who_refreshed_come_back_late(stage):
    """A refresh asks for the user first, and goes no further here: Redis finds no rotation waiting when it goes on. Had it
    been done then, with nobody to hear of it, they would pass for thieves when they come back after the grace."""
    with stage.fault(hangs=True):
        stage.store.stop()
        threads = [threading.Thread(target=lambda k=k: stage.prober.refresh(k)) for k in stage.keepers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stage.go_on(2.5)
        stage.store.go_on()
    stage.go_on(1.5)
    for keeper in stage.keepers:
        stage.shows(stage.prober.refresh(keeper), f"{keeper} is lost")

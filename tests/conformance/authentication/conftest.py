from tests.live import *  # noqa: F403  the fixtures of the running server

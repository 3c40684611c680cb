"""One conference's clocks: view loops, audio loop, decoder pool.  Run as a process: `python -m mcu_core.mixing`.

Nothing is imported here: a mixer names itself before it loads codecs.
"""

__all__: list[str] = []

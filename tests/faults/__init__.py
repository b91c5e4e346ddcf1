"""Whole managers to which something happens: each fault is injected for real, and what must hold is asserted.

| fault | where |
|---|---|
| the manager, its group or its guardian is killed, or both; a guardian that stands still | `test_manager_killed.py` |
| children in sessions of their own, double forks, shells without exec, fork loops, orphans | `test_families.py` |
| processes that ignore their signal, or stand still | `test_deaf.py` |
| ends at once for ever, crashes again and again | `test_crash_loops.py` |
| programs, folders and arguments that cannot be executed | `test_cannot_start.py` |
| too few file descriptors, processes or threads | `test_exhaustion.py` |
| a pid that somebody else has now | `test_pids.py` |
| closed standard files, descriptors used again | `test_descriptors.py` |
| two signals, signals during the start, signals ignored or blocked from outside | `test_exit_signals.py` |
| PID 1 of a container | `test_pid_one.py` |
| the data folder is removed | `test_data_folder.py` |
| lines without an end, floods, lines cut by a crash | `test_log_floods.py` |
| bytes that are no text or command a terminal | `test_log_bytes.py` |
| a full disk, log files removed, emptied or replaced | `test_log_disk.py` |
| rotation under readers | `test_log_rotation.py` |
| a manager that stood still, clocks that jump | `test_clock.py` |
| thousands of changes, saves in a row, watched folders removed | `test_watching.py` |
| terminals resized, closed or suspended | `test_terminal_faults.py` |
| configs that are broken, endless or hostile | `tests/security/test_config.py`, `tests/config/` |
| secrets, tokens, forged pages and requests, slow and endless clients | `tests/security/` |
"""

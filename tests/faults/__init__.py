"""Faults injected for real into whole managers.

| fault | where |
|---|---|
| the manager, its group or its guardian is killed, or both; a suspended guardian | `test_manager_killed.py` |
| an agent is killed that has started servers with leases | `test_agent_killed.py` |
| children in their own sessions, double forks, shells without exec, fork loops, orphans | `test_families.py` |
| processes that ignore signals or are suspended | `test_deaf.py` |
| processes that exit at once, or crash again and again | `test_crash_loops.py` |
| programs, directories and arguments that cannot be executed | `test_cannot_start.py` |
| too few file descriptors, processes or threads | `test_exhaustion.py` |
| a reused pid | `test_pids.py` |
| closed standard files, reused descriptors | `test_descriptors.py` |
| two signals, signals during startup, signals ignored or blocked by the parent | `test_exit_signals.py` |
| PID 1 of a container | `test_pid_one.py` |
| the data directory is removed | `test_data_folder.py` |
| endless lines, bulk output, lines cut by a crash | `test_log_floods.py` |
| bytes that are not text or control a terminal | `test_log_bytes.py` |
| a full disk, log files removed, emptied or replaced | `test_log_disk.py` |
| rotation while logs are read | `test_log_rotation.py` |
| a suspended manager, clocks that jump | `test_clock.py`, `suspended_manager.py` |
| thousands of changes, repeated saves, watched directories removed | `test_watching.py` |
| terminals resized, closed or suspended | `test_terminal_faults.py` |
| configs that are broken, endless or hostile | `tests/security/test_config.py`, `tests/config/` |
| secrets, tokens, forged pages and requests, slow and endless clients | `tests/security/` |
"""

"""The sync core: what branch and head office decide, without sockets, clocks, disks or threads.

The gRPC shells, the file carrier and the simulator are three ways to drive the same code. Time comes in as `now_us`,
randomness as an argument; out come commands for a shell to carry out.
"""

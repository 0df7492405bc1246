"""The bench: what a request costs the gateway and its peers, measured on the same machine in the same run.

Start from `scenarios`: each says who is compared and under what load.

    tools      what must be installed; which builds of ours are measured
    cost       CPU time and memory of a process, from /proc
    subject    a proxy under test: its processes, its address, its log
    peers      nginx and HAProxy, configured by ../templates
    gateway    Vestibule, configured as shipped, with its people signed in through its pages
    upstream   the app behind every proxy, which counts and judges what reaches it
    load       wrk and h2load, and whether everything was answered
    rounds     takes turns, and holds every round to its counts
    table      medians, ratios
"""

"""A Kubernetes API server that stands in for a cluster, in tests only.

It takes pods over the documented HTTP API, refuses manifests that Kubernetes would refuse, places them on declared
nodes by labels, taints and free resources, wakes nodes of pools that scale from zero, and really runs each pod's
command as a process of this machine. There are no containers: an image is a name with an environment, a volume is a
folder that must already be where it is mounted. Nothing outside the tests uses it.

    nodes.py     what a node offers, and where a pod may go: pure
    objects.py   what the server holds: pods, events, secrets, config maps; watches
    kubelet.py   a pod's process: environment, log, memory limit, exit code
    control.py   the loop: schedule, wake nodes, pull images, start
    api.py       HTTP
    cluster.py   all of it as one context manager, with a kubeconfig and with faults to cause
"""

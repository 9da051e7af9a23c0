"""What is done with one recording: pure values in, pure values out.

Data flows one way: Recording → Audio → Words + Turns → Transcript → Recap → Artifacts.
Nothing in here touches the network, the disk, the clock, the environment or a GPU.
"""

"""What API and worker share: the job and its states, and the ports that hold them."""

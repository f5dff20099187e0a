print("gone", flush=True)

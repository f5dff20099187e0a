for number in range(60_000):
    print(f"line {number:06d} of a worker that never stops talking about its photos")
print("the last words", flush=True)

# SPDX-License-Identifier: Apache-2.0
"""A small corpus for tests that run the program many times."""
import math
import wave

CLASSES = ["angry", "happy", "neutral"]


def write_corpus(folder):
	"""36 recordings of 12 speakers in audio/, labels.csv, and a table of features, features.csv."""
	audio = folder / "audio"
	audio.mkdir()
	labels = ["FileName," + ",".join(CLASSES) + ",SpkrID,Gender,Split_Set"]
	features = ["FileName,x,y"]
	for i in range(36):
		speaker, name = i // 3, f"r{i:02d}.wav"
		split = "Train" if speaker < 8 else "Development" if speaker < 10 else "Test"
		share = ["0.8" if k == i % 3 else "0.1" for k in range(3)]
		labels.append(",".join([name, *share, f"s{speaker}", ["Male", "Female"][speaker % 2], split]))
		features.append(f"{name},{math.sin(1.7 * i) + i % 3:.6f},{math.cos(2.3 * i) - i % 3:.6f}")
		with wave.open(str(audio / name), "wb") as out:
			out.setnchannels(1)
			out.setsampwidth(2)
			out.setframerate(16000)
			tone = (int(3000 * (1 + i % 3) * math.sin(0.01 * (i + 2) * t)) for t in range(1600))
			out.writeframes(b"".join(v.to_bytes(2, "little", signed=True) for v in tone))
	(folder / "labels.csv").write_text("\n".join(labels) + "\n")
	(folder / "features.csv").write_text("\n".join(features) + "\n")

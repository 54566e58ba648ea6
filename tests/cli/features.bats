#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Features in files: encode writes what NumPy opens and precomputed reads, with the same numbers in every form.
load helpers

setup() {
	cd "$BATS_TEST_TMPDIR"
	model=$FAIRVOX_SOURCE/tests/golden/encoders/wavlm_tiny/s3prl/wavlm_tiny.pt
	for python in python3 /usr/bin/python3; do
		"$python" -c "import numpy" 2>/dev/null && break
	done
	"$python" - <<-END
		import math, wave
		for k, name in enumerate(("a", "b", "\u00e4c")):
		    w = wave.open(name + ".wav", "wb")
		    w.setparams((1, 2, 16000, 0, "NONE", ""))
		    w.writeframes(b"".join(int(9000 * math.sin(0.01 * (k + 1) * i)).to_bytes(2, "little", signed=True)
		        for i in range(4000 + 800 * k)))
	END
}

has_numpy() {
	"$python" -c "import numpy" 2>/dev/null || skip "NumPy is not installed"
}

encode() { "$fairvox" encode --encoder wavlm --weights "$model" "$@" a.wav b.wav äc.wav; }

@test "each form has the same numbers" {
	has_numpy
	for end in safetensors npz npy; do encode --out f.$end; done
	encode --frames --out frames.npz
	encode --frames --out frames.safetensors
	"$python" - <<-END
		import io, json, struct, numpy as np
		def safetensors(path):
		    b = open(path, "rb").read()
		    n = struct.unpack("<Q", b[:8])[0]
		    return {k: np.frombuffer(b[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]], "<f4").reshape(v["shape"])
		        for k, v in json.loads(b[8:8 + n]).items() if k != "__metadata__"}
		names = ["a", "b", "\u00e4c"]
		for st, z in ((safetensors("f.safetensors"), np.load("f.npz")), (safetensors("frames.safetensors"), np.load("frames.npz"))):
		    assert sorted(z.files) == sorted(st) == names
		    for name in names:
		        assert z[name].dtype == np.float32 and z[name].shape == st[name].shape and z[name].tobytes() == st[name].tobytes()
		x, st = np.load("f.npy"), safetensors("f.safetensors")
		assert open("f.txt", encoding="utf-8").read().splitlines() == names and x.ndim == 3 and len(x) == 3
		assert all(x[i].tobytes() == st[name].tobytes() for i, name in enumerate(names))
		out = io.BytesIO()
		np.save(out, x)
		assert out.getvalue() == open("f.npy", "rb").read() # the very bytes that NumPy writes
	END
}

@test "training rows that all have the same features are told, once for each fold" {
	plan
	{ echo FileName,f0,f1; cut -d, -f1 "$corpus/labels_consensus_1.csv" | tail -n +2 | sed 's/$/,1,2/'; } >same.csv
	"$fairvox" run plan.yaml 'encoder={name: precomputed, file: same.csv}' 2>log
	[ "$(grep -c "encoder precomputed: all [0-9]* training rows of fold 1 have the same features: nothing can be learned" log)" -eq 1 ]
	[ "$(grep -c "rows of fold 2 have the same features" log)" -eq 1 ]
	sed -i '2s/,1,2/,1,3/' same.csv # a recording of each fold's training set
	[[ $(sed -n 2p "$corpus/labels_consensus_1.csv") == *Train ]]
	"$fairvox" run plan.yaml 'encoder={name: precomputed, file: same.csv}' corpus.folds=[1] 2>log
	! grep "same features" log
}

@test "what NumPy writes is read with the same numbers" {
	has_numpy
	encode --out f.npy
	"$python" - <<-END
		import numpy as np
		x, names = np.load("f.npy"), ["x/a.wav", "b.wav", "a\u0308c.flac"]
		np.savez("each.npz", **{n: v for n, v in zip(names, x)})
		np.savez_compressed("packed.npz", **{n: np.asfortranarray(v.astype(">f8")) for n, v in zip(names, x)})
		np.savez("rows.npz", features=x.astype("<f8"), names=np.array(names))
		np.savez("bytes.npz", features=np.asfortranarray(x), names=np.array([n.encode() for n in names]), labels=np.arange(3))
		np.save("other.npy", np.asfortranarray(x).astype(">f4"))
		open("other.csv", "w", encoding="utf-8").write("speaker,FileName\n" + "".join("s," + n + "\n" for n in names))
		np.save("half.npy", x.astype("f2"))
		np.save("objects.npy", np.array([{}], dtype=object), allow_pickle=True)
		np.save("complex.npy", x.astype("c8"))
		np.save("wide.npy", x.astype("f8") * 1e300)
	END
	for file in f.npy each.npz packed.npz rows.npz bytes.npz other.npy; do
		"$fairvox" encode --encoder precomputed -p file=$file --out back.npy a.wav b.wav äc.wav
		cmp back.npy f.npy
		cmp back.txt f.txt
	done
	"$fairvox" encode --encoder precomputed -p file=half.npy -p names=f.txt --out back.npy a.wav b.wav äc.wav
	"$python" -c "import numpy as np; assert (np.load('back.npy') == np.load('half.npy').astype('f4')).all()"
	fails 4 "objects.npy: byte 24: objects: it holds Python objects" "$fairvox" inspect objects.npy
	fails 4 "complex.npy: byte 25: type: '<c8' is not supported: save float32" "$fairvox" inspect complex.npy
	fails 4 "wide.npy: 'a': layer 0, column 0 is too large for float32" \
		"$fairvox" encode --encoder precomputed -p file=wide.npy -p names=f.txt --out x.npy a.wav
	[ ! -e x.npy ] && [ ! -e x.txt ]
	fails 2 "half.npy: no file beside it names its rows: set the parameter 'names'" \
		"$fairvox" encode --encoder precomputed -p file=half.npy --out x.npy a.wav
	fails 4 "each.npz: no features of 'd'" "$fairvox" encode --encoder precomputed -p file=each.npz --out x.npz a.wav d.wav
}

@test "inspect names precomputed for features" {
	has_numpy
	for end in safetensors npz npy; do
		encode --out f.$end
		"$fairvox" inspect f.$end | grep -q '^encoder:   precomputed (features of recordings, one '
	done
	[ "$("$fairvox" inspect f.npz | head -1)" = "container: npz" ]
	[ "$("$fairvox" inspect f.npy | grep -c '^F32  array \[3,4,48\]$')" = 1 ]
	encode --frames --out frames.npz
	! "$fairvox" inspect frames.npz | grep -q precomputed
}

@test "names and forms that cannot be written" {
	fails 2 "--out: 'f.pt' ends in none of .safetensors, .npz, .npy and .csv" encode --out f.pt
	fails 2 "--frames: a .npy file cannot hold frames: use .safetensors or .npz" encode --frames --out f.npy
	fails 2 "--frames: a .csv file cannot hold frames: use .safetensors or .npz" encode --frames --out f.csv
}

@test "files of another kind are named" {
	printf 'Entry not found' >a.safetensors
	fails 4 "a.safetensors: byte 0: unknown content: not a file of tensors but text: 'Entry not found'" "$fairvox" inspect a.safetensors
	printf 'GGUF\3\0\0\0\1\0\0\0\0\0\0\0' >b.safetensors
	fails 4 "not a file of tensors but a GGUF model" encode --out x.npz --weights b.safetensors
	printf '\010\007\022\007pytorch\032\005' >c.onnx
	fails 4 "not a file of tensors but an ONNX model" "$fairvox" inspect c.onnx
	printf 'FileName,f0\na,1\n' >d.csv
	fails 4 "not a file of tensors but a table of text: 'FileName,f0'" "$fairvox" inspect d.csv
	: >e.pt
	fails 4 "e.pt: byte 0: too short: the file is empty" "$fairvox" inspect e.pt
	encode --out f.npz
	fails 4 "f.npz: the file holds no network of this kind" "$fairvox" encode --encoder wavlm --weights f.npz --out x.npz a.wav
	head -c 900 f.npz >cut.npz
	fails 4 "cut.npz: byte 900: end record: not found: the file is cut short" "$fairvox" inspect cut.npz
}

@test "a path in the label file decides between features of one file name" {
	has_numpy
	"$python" - <<-END
		import numpy as np
		names, rows = [], ["FileName,angry,calm,SpkrID,Gender,Split_Set"]
		for speaker in range(6):
		    for k in range(8):
		        split = ("Train", "Train", "Train", "Train", "Development", "Test")[speaker]
		        rows.append(f"DC/s{speaker}_{k}.wav,{k % 2},{1 - k % 2},s{speaker},{'MF'[speaker % 2]},{split}")
		        names += [f"JE/s{speaker}_{k}", f"DC/s{speaker}_{k}"]
		open("labels.csv", "w").write("\n".join(rows) + "\n")
		x = np.zeros((len(names), 2), "f4")
		x[1::2, 0] = np.arange(len(names) // 2) % 2 # only those of DC tell the class
		x[::2] = x[1::2]
		x[80::2, 0] = 1 - x[81::2, 0] # those of JE tell the opposite of the test speaker
		np.savez("f.npz", features=x, names=np.array(names))
	END
	cat >study.yaml <<-END
		corpus: {labels: labels.csv}
		encoder: {name: precomputed, file: f.npz}
		loss: {name: erm}
		train: {epochs: 40, learning_rate: 0.01, batch: 8}
	END
	"$fairvox" run study.yaml
	"$python" - <<-END
		import csv, glob
		rows = [r for r in csv.DictReader(open(glob.glob("results/*/fold*/predictions.csv")[0])) if r["split"] == "test"]
		assert len(rows) == 8 and all((float(r["prob_angry"]) > 0.5) == (float(r["label_angry"]) > 0.5) for r in rows), rows
	END
	sed -i 's|DC/||' labels.csv
	fails 4 "both have the name 's0_0': write enough of the path into the label file" "$fairvox" run study.yaml --results other
}

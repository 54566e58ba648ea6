#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What other programs read: SQLite, TensorBoard's event files, and the page for Python users.
load helpers

setup() {
	plan
	encoded
	"$fairvox" run plan.yaml --quiet -j 2
}

@test "the SQLite database holds what csv holds, and the learning curves" {
	"$fairvox" table results --format csv >runs.csv
	"$fairvox" table results --format sqlite -o results.db
	"$fairvox" table results --format sqlite | cmp - results.db
	python3 - <<-'END'
		import csv, glob, json, math, sqlite3
		rows = list(csv.reader(open('runs.csv')))
		db = sqlite3.connect('results.db')
		assert db.execute('PRAGMA integrity_check').fetchone() == ('ok',)
		names = [c[1] for c in db.execute('PRAGMA table_info(runs)')]
		assert names == rows[0], names
		stored = db.execute('SELECT * FROM runs').fetchall()
		assert len(stored) == len(rows) - 1 > 100
		for want, got in zip(rows[1:], stored):
		    for text, value in zip(want, got):
		        if value is None:
		            assert text in ('', 'nan'), (text, value)
		        elif isinstance(value, str):
		            assert text == value
		        else:
		            assert float(text) == value
		assert db.execute("SELECT typeof(value), typeof(fold), typeof(variant) FROM runs WHERE value IS NOT NULL"
		                  ).fetchone() == ('real', 'integer', 'text')
		for path in glob.glob('results/*/*/metrics.jsonl'):
		    variant, run = path.split('/')[1:3]
		    fold, seed = (int(w.lstrip('foldse')) for w in run.split('-'))
		    for line in map(json.loads, open(path)):
		        for key in 'dev_loss', 'grad_norm', 'value':
		            got = db.execute('SELECT value FROM epochs WHERE variant = ? AND fold = ? AND seed = ? AND '
		                             'stage = ? AND epoch = ? AND metric = ?',
		                             (variant, fold, seed, line['stage'], line['epoch'], key)).fetchall()
		            assert got == [(line[key],)], (got, line)
	END
}

@test "event files hold every epoch, with right checksums" {
	"$fairvox" table results --format tensorboard -o curves
	[ "$(find curves -name 'events.out.tfevents.*' | wc -l)" -eq 4 ]
	python3 - <<-'END'
		import glob, json, struct
		def crc(data):
		    c = 0xffffffff
		    for byte in data:
		        c ^= byte
		        for _ in range(8):
		            c = c >> 1 ^ (0x82f63b78 if c & 1 else 0)
		    c ^= 0xffffffff
		    return ((c >> 15 | c << 17) + 0xa282ead8) & 0xffffffff
		def records(data):
		    at = 0
		    while at < len(data):
		        n, = struct.unpack_from('<Q', data, at)
		        assert crc(data[at:at + 8]) == struct.unpack_from('<I', data, at + 8)[0]
		        event = data[at + 12:at + 12 + n]
		        assert crc(event) == struct.unpack_from('<I', data, at + 12 + n)[0]
		        yield event
		        at += 16 + n
		def varint(b, i):
		    v = s = 0
		    while True:
		        v |= (b[i] & 127) << s
		        s += 7
		        i += 1
		        if b[i - 1] < 128:
		            return v, i
		def fields(b):
		    i = 0
		    while i < len(b):
		        key, i = varint(b, i)
		        if key & 7 == 0:
		            v, i = varint(b, i)
		        elif key & 7 == 1:
		            v, i = struct.unpack_from('<d', b, i)[0], i + 8
		        elif key & 7 == 5:
		            v, i = struct.unpack_from('<f', b, i)[0], i + 4
		        else:
		            n, i = varint(b, i)
		            v, i = b[i:i + n], i + n
		        yield key >> 3, v
		for path in glob.glob('curves/*/*/*'):
		    first, *events = records(open(path, 'rb').read())
		    assert dict(fields(first))[3] == b'brain.Event:2'
		    lines = [json.loads(l) for l in open(path.replace('curves', 'results').rsplit('/', 1)[0] + '/metrics.jsonl')]
		    assert len(events) == len(lines) == 5
		    before = 0
		    for step, (event, line) in enumerate(zip(events, lines), 1):
		        f = dict(fields(event))
		        assert f[2] == step and f[1] > before
		        before = f[1]
		        values = {}
		        for number, value in fields(f[5]):
		            v = dict(fields(value))
		            values[v[1].decode()] = v[2]
		        want = {k: x for k, x in line.items() if isinstance(x, (int, float)) and not isinstance(x, bool)
		                and k not in ('stage', 'epoch')}
		        assert values.keys() == want.keys()
		        for k, x in want.items():
		            assert values[k] == struct.unpack('<f', struct.pack('<f', x))[0]
	END
	"$fairvox" table results --format tensorboard -o again
	diff -r curves again
}

@test "wrong uses are refused" {
	fails 2 "--format tensorboard writes a folder: name it with -o" "$fairvox" table results --format tensorboard
	fails 1 "nowhere/results.db: cannot write" "$fairvox" table results --format sqlite -o nowhere/results.db
	[ ! -e nowhere ]
	echo '{"stage": 1, "epoch": 1' >results/erm-*/fold1-seed1/metrics.jsonl
	fails 4 "fold1-seed1/metrics.jsonl:1: no JSON object" "$fairvox" table results --format sqlite -o results.db
	[ ! -e results.db ]
}

@test "every block of the page for Python users runs" {
	PATH=$(dirname "$fairvox"):$PATH python3 - "$FAIRVOX_SOURCE/core/docs/python.md" <<-'END'
		import importlib.util, re, sys
		text = open(sys.argv[1]).read()
		blocks = re.findall(r'```python\n(.*?)```', text, re.S)
		assert len(blocks) == 7
		ran = 0
		for block in blocks:
		    lines = [l for l in block.splitlines() if l.strip()]
		    assert len(lines) <= 10, (len(lines), block)
		    modules = re.findall(r'^(?:import|from) (\w+)', block, re.M)
		    missing = [m for m in modules if not importlib.util.find_spec(m)]
		    if missing:
		        print('# not installed:', missing)
		        continue
		    exec(block, {})
		    ran += 1
		print('# ran', ran, 'of', len(blocks))
	END
}

# SPDX-License-Identifier: Apache-2.0
# A SLURM cluster of one node on this machine, in a folder of its own: munged, slurmctld and slurmd, all of this user.

slurm_programs=(munged slurmctld slurmd sbatch scontrol squeue)

# slurm_missing: prints why there can be no cluster here; nothing if there can.
slurm_missing() {
	local program
	for program in "${slurm_programs[@]}"; do
		command -v "$program" >/dev/null || {
			echo "$program is not installed (slurmctld slurmd slurm-client munge)"
			return
		}
	done
}

# free_port FROM: the first port from there on that nobody listens on.
free_port() {
	local port=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
	echo "$port"
}

# configure FOLDER: an array has at most 8 tasks; a node is given up after 10 s, and a requeued job waits 10 s.
configure() {
	local name user port
	name=$(hostname -s)
	user=$(id -un)
	port=$(free_port $((20000 + RANDOM % 20000)))
	cat >"$1/slurm.conf" <<-END
		ClusterName=fairvox
		SlurmctldHost=$name(127.0.0.1)
		SlurmctldPort=$port
		SlurmdPort=$(free_port $((port + 1)))
		AuthType=auth/munge
		AuthInfo=socket=$1/munge/socket,cred_expire=10
		CredType=cred/munge
		SlurmUser=$user
		SlurmdUser=$user
		StateSaveLocation=$1/state
		SlurmdSpoolDir=$1/spool
		SlurmctldPidFile=$1/slurmctld.pid
		SlurmdPidFile=$1/slurmd.pid
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/none
		AccountingStorageType=accounting_storage/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core
		MpiDefault=none
		SwitchType=switch/none
		ReturnToService=2
		SlurmdTimeout=10
		KillWait=5
		MinJobAge=3600
		MaxArraySize=8
		SchedulerParameters=sched_interval=2,batch_sched_delay=0
		NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc)
		PartitionName=main Nodes=$name Default=YES MaxTime=INFINITE State=UP
	END
}

# daemon NAME COMMAND...: starts it in the background; its number goes to FOLDER/NAME.number.
daemon() {
	local name=$1
	shift
	"$@" >>"$slurm/$name.log" 2>&1 3>&- &
	echo $! >"$slurm/$name.number"
}

start_slurmd() {
	daemon slurmd slurmd -D
}

# slurm_start FOLDER: returns 1 with the reason on stdout if the cluster is not up after half a minute.
slurm_start() {
	slurm=$1
	export SLURM_CONF=$slurm/slurm.conf
	mkdir -p "$slurm"/{munge,state,spool}
	chmod 700 "$slurm/munge"
	head -c 1024 /dev/urandom >"$slurm/munge/key"
	chmod 600 "$slurm/munge/key"
	configure "$slurm"
	daemon munged munged --foreground --force --key-file="$slurm/munge/key" --socket="$slurm/munge/socket" \
		--pid-file="$slurm/munge/pid" --seed-file="$slurm/munge/seed" --log-file="$slurm/munge/log"
	for _ in $(seq 50); do
		[ -S "$slurm/munge/socket" ] && break
		sleep 0.1
	done
	daemon slurmctld slurmctld -D -c
	start_slurmd
	for _ in $(seq 60); do
		sinfo -h -o %T 2>/dev/null | grep -qx idle && return 0
		sleep 0.5
	done
	echo "no idle node after half a minute: $(tail -q -n 2 "$slurm"/*.log "$slurm/munge/log" | tr '\n' ';')"
	return 1
}

# is_of_job NAME PID: the process belongs to a job of this cluster. SLURM_JOB_ID tells jobs from this test itself.
is_of_job() {
	local environment
	environment=$(tr '\0' '\n' 2>/dev/null <"/proc/$2/environ") || return 1
	grep -qxF "SLURM_CONF=$slurm/slurm.conf" <<<"$environment" || return 1
	[ "$1" = slurmstepd ] || grep -q '^SLURM_JOB_ID=' <<<"$environment"
}

# crash_node: kills slurmd and everything of its jobs, as if the machine had died.
crash_node() {
	local name pid
	kill -9 "$(cat "$slurm/slurmd.number")"
	for name in slurmstepd bash fairvox; do # in this order, so that nobody reports the end of the others
		for pid in $(pgrep -x "$name"); do
			is_of_job "$name" "$pid" && kill -9 "$pid" || true
		done
	done
}

slurm_stop() {
	local file number
	scancel --user="$(id -un)" 2>/dev/null || true
	sleep 1
	for file in "$1"/slurmd.number "$1"/slurmctld.number "$1"/munged.number; do
		[ -e "$file" ] || continue
		number=$(cat "$file")
		kill "$number" 2>/dev/null || continue
		for _ in $(seq 100); do
			kill -0 "$number" 2>/dev/null || break
			sleep 0.1
		done
	done
}

# settled SECONDS: waits until no job is in the queue.
settled() {
	for _ in $(seq "$1"); do
		[ -z "$(squeue -h)" ] && return 0
		sleep 1
	done
	echo "jobs are left after $1 s:"
	squeue
	return 1
}

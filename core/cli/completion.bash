# bash completion of fairvox, made by: fairvox completion bash
_fairvox() {
	local line=${COMP_LINE:0:COMP_POINT} answer word value ending
	local -a words
	# bash splits words at '=' and ':'; the line itself does not.
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	word=${words[${#words[@]} - 1]}
	value=${word##*=}
	COMPREPLY=()
	while IFS= read -r answer; do
		case $answer in
		:folders) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$value") ;;
		:files) mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$value") ;;
		:files\ *)
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$value")
			for ending in ${answer#:files }; do
				mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -X "!*.$ending" -- "$value")
			done
			;;
		*)
			answer=${answer%%$'\t'*}
			[[ $answer == *= ]] && compopt -o nospace
			# What stands before the last '=' is kept by bash.
			[[ $word == *=* && $COMP_WORDBREAKS == *=* ]] && answer=${answer#"${word%=*}="}
			COMPREPLY+=("$answer")
			;;
		esac
		[[ $answer == :* ]] && compopt -o filenames
	done < <("${words[0]}" completion words "${words[@]:1}" 2>/dev/null)
}
complete -F _fairvox fairvox

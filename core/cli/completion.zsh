#compdef fairvox
# zsh completion of fairvox, made by: fairvox completion zsh
_fairvox() {
	local answer
	local -a told keys
	for answer in ${(f)"$("${words[1]}" completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
		case $answer in
		:folders) _files -/ ;;
		:files) compset -P '*='; _files ;;
		:files*) _files -g "*.(${${answer#:files }// /|})" ;;
		*)
			# In _describe a colon ends the word.
			local word=${answer%%$'\t'*} text=''
			[[ $answer == *$'\t'* ]] && text=${answer#*$'\t'}
			if [[ $word == *= ]]; then
				keys+=("${word//:/\\:}:$text")
			else
				told+=("${word//:/\\:}:$text")
			fi
			;;
		esac
	done
	(( $#told )) && _describe -V fairvox told
	(( $#keys )) && _describe -V key keys -S ''
	return 0
}
if [[ $funcstack[1] == _fairvox ]]; then
	_fairvox "$@"
else
	compdef _fairvox fairvox
fi

# SPDX-License-Identifier: Apache-2.0
# Writes a page of the documentation as it is installed: with links that lead to where the other pages are then.
#   cmake -DPAGE=FILE.md -DTO=FILE.md|FILE.html [-DLOWDOWN=PROGRAM] -P page.cmake
# A page of HTML lies in share/doc/fairvox/html, one of text in share/doc/fairvox.
get_filename_component(ending ${TO} LAST_EXT)
get_filename_component(name ${PAGE} NAME_WE)
set(up "")
if(ending STREQUAL .html)
  set(up "../")
endif()
file(READ ${PAGE} text)
# What a reader of the sources needs, between "<!-- in an install: NAME -->" and "<!-- end -->", is readme/NAME.md in an
# install.
while(text MATCHES "<!-- in an install: ([a-z-]+) -->\n")
  file(READ ${CMAKE_CURRENT_LIST_DIR}/readme/${CMAKE_MATCH_1}.md instead)
  string(FIND "${text}" "${CMAKE_MATCH_0}" begin)
  string(SUBSTRING "${text}" 0 ${begin} before)
  string(FIND "${text}" "<!-- end -->\n" end)
  math(EXPR end "${end} + 13")
  string(SUBSTRING "${text}" ${end} -1 behind)
  set(text "${before}${instead}${behind}")
endwhile()
string(REPLACE "](core/docs/" "](" text "${text}")
string(REPLACE "](../../docs/" "](" text "${text}")
string(REPLACE "](../../README.md" "](README.md" text "${text}")
string(REGEX REPLACE "\\]\\((\\.\\./\\.\\./)?configs/" "](${up}../../fairvox/configs/" text "${text}")
string(REGEX REPLACE "\\]\\((\\.\\./\\.\\./)?tests/oot/" "](${up}examples/" text "${text}")
string(REPLACE "](core/package/Containerfile)" "](${up}Containerfile)" text "${text}")
string(REGEX REPLACE "\\]\\((\\.\\./\\.\\./)?plugins/" "](${up}examples/plugins/" text "${text}")
string(REGEX REPLACE "\\]\\((\\.\\./\\.\\./)?core/include/" "](${up}../../../include/" text "${text}")
if(NOT ending STREQUAL .html)
  file(WRITE ${TO} "${text}")
  return()
endif()

string(REGEX REPLACE "\\]\\(README\\.md" "](index.html" text "${text}")
string(REGEX REPLACE "\\]\\(([A-Za-z0-9_-]+)\\.md" "](\\1.html" text "${text}")
file(WRITE ${TO}.md "${text}")
execute_process(COMMAND ${LOWDOWN} -Thtml --parse-no-super --parse-no-metadata --parse-no-intraemph --html-no-head-ids
                        ${TO}.md
                OUTPUT_VARIABLE body COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${TO}.md)
# Anchors of headings as links spell them: the text in small letters, without punctuation, '-' for blanks.
while(body MATCHES "<h([1-6])>([^\n]*)</h[1-6]>")
  set(heading "${CMAKE_MATCH_0}")
  set(level ${CMAKE_MATCH_1})
  set(inner "${CMAKE_MATCH_2}")
  string(REGEX REPLACE "<[^>]*>|&[^;]*;" "" anchor "${inner}")
  string(TOLOWER "${anchor}" anchor)
  string(REGEX REPLACE "[^a-z0-9 _-]" "" anchor "${anchor}")
  string(REPLACE " " "-" anchor "${anchor}")
  string(REPLACE "${heading}" "<h${level} id=\"${anchor}\">${inner}</h${level}>" body "${body}")
endwhile()
string(REGEX MATCH "<h1[^>]*>([^<]*)" title "${body}")
set(title "${CMAKE_MATCH_1}")
set(home "")
if(NOT name STREQUAL README)
  set(home "<p><a href=\"index.html\">fairvox</a></p>\n")
endif()
file(WRITE ${TO} "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>${title}</title>
<style>
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #222; background: #fff }
pre { overflow-x: auto; padding: .8rem; background: #f4f4f4 }
code { font: .9em/1.4 ui-monospace, monospace }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { border: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top }
a { color: #0645ad }
</style>
</head>
<body>
${home}${body}</body>
</html>
")

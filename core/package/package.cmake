# SPDX-License-Identifier: Apache-2.0
# What is installed beside the program and the library, and the package that `cpack` makes of it.
set(DOC_DIR ${CMAKE_INSTALL_DATADIR}/doc/fairvox)
set(DOC_SOURCE ${CMAKE_SOURCE_DIR}/core/package)

# --- documentation: text and HTML ------------------------------------------------------------------------------------
find_program(LOWDOWN lowdown)
if(NOT LOWDOWN)
  message(STATUS "lowdown not found: the documentation is installed as text only")
endif()
file(GLOB DOC_PAGES CONFIGURE_DEPENDS core/docs/*.md)
file(GLOB README_PARTS CONFIGURE_DEPENDS core/package/readme/*.md)
set(DOC_OUTPUT)
foreach(page IN LISTS DOC_PAGES ITEMS ${CMAKE_SOURCE_DIR}/README.md)
  get_filename_component(name ${page} NAME_WE)
  set(html ${name})
  if(name STREQUAL README)
    set(html index)
  endif()
  set(outputs ${CMAKE_BINARY_DIR}/doc/text/${name}.md)
  if(LOWDOWN)
    list(APPEND outputs ${CMAKE_BINARY_DIR}/doc/html/${html}.html)
  endif()
  foreach(output IN LISTS outputs)
    add_custom_command(OUTPUT ${output} DEPENDS ${page} ${README_PARTS} ${DOC_SOURCE}/page.cmake VERBATIM
      COMMAND ${CMAKE_COMMAND} -DPAGE=${page} -DTO=${output} -DLOWDOWN=${LOWDOWN} -P ${DOC_SOURCE}/page.cmake)
  endforeach()
  list(APPEND DOC_OUTPUT ${outputs})
endforeach()
add_custom_target(docs ALL DEPENDS ${DOC_OUTPUT})
install(DIRECTORY ${CMAKE_BINARY_DIR}/doc/text/ DESTINATION ${DOC_DIR})
if(LOWDOWN)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/doc/html DESTINATION ${DOC_DIR})
endif()
install(FILES LICENSE NEWS core/package/Containerfile DESTINATION ${DOC_DIR})

# --- the sources of our plugins, and of plugins outside the tree, as examples ---------------------------------------------
install(DIRECTORY plugins DESTINATION ${DOC_DIR}/examples)
install(DIRECTORY tests/oot/ DESTINATION ${DOC_DIR}/examples)

# --- man pages, made by the program ------------------------------------------------------------------------------------
if(TARGET fairvox-cli AND NOT FAIRVOX_SANITIZE)
  get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
  list(FILTER targets INCLUDE REGEX "^plugin-")
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/man/stamp DEPENDS fairvox-cli ${targets} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${CMAKE_BINARY_DIR}/man
    COMMAND ${CMAKE_COMMAND} -E env FAIRVOX_PLUGIN_PATH= $<TARGET_FILE:fairvox-cli> help --man-pages ${CMAKE_BINARY_DIR}/man
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/man/stamp)
  add_custom_target(man ALL DEPENDS ${CMAKE_BINARY_DIR}/man/stamp)
  foreach(section 1 5 7)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
            FILES_MATCHING PATTERN "*.${section}")
  endforeach()
endif()

# --- completion in the shell ------------------------------------------------------------------------------------------------
set(ZSH_DIR zsh/site-functions)
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(ZSH_DIR zsh/vendor-completions) # Debian's folder for packages
endif()
install(FILES core/cli/completion.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME fairvox)
install(FILES core/cli/completion.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/${ZSH_DIR} RENAME _fairvox)
install(FILES core/cli/completion.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
        RENAME fairvox.fish)

# --- licence texts of what is linked ----------------------------------------------------------------------------------------
find_program(DPKG dpkg)
if(DPKG AND TARGET fairvox-cli AND NOT FAIRVOX_SANITIZE)
  set(linked $<TARGET_FILE:fairvox> $<TARGET_FILE:fairvox-fetch> $<TARGET_FILE:fairvox-cairo> $<TARGET_FILE:fairvox-cli>)
  list(JOIN linked "," linked)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/licences/stamp VERBATIM
    DEPENDS fairvox fairvox-fetch fairvox-cairo fairvox-cli ${DOC_SOURCE}/licences.cmake
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_BINARY_DIR}/licences/linked -DFILES=${linked} -P ${DOC_SOURCE}/licences.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${CMAKE_BINARY_DIR}/licences/stamp)
  add_custom_target(licences ALL DEPENDS ${CMAKE_BINARY_DIR}/licences/stamp)
  install(DIRECTORY ${CMAKE_BINARY_DIR}/licences/linked/ DESTINATION ${DOC_DIR}/licences)
endif()

# --- the package ---------------------------------------------------------------------------------------------------------------
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fairvox)
set(CPACK_PACKAGE_CONTACT "fairvox developers <fairvox@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "debias speech emotion recognition without demographics")
set(CPACK_PACKAGE_DESCRIPTION
"Speech emotion recognition is less fair to some speakers than to others, and
corpora rarely say who the speakers are. A YAML file defines a study: the
recordings, a frozen encoder, the source of the groups, a debias objective, and
which of these to vary. fairvox computes every combination over folds and seeds
and prints tables with their uncertainty. Encoders, groupers and objectives are
plugins.")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The library's place in the cache of the loader, and what packages that are linked with it depend on.
file(WRITE ${CMAKE_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
file(WRITE ${CMAKE_BINARY_DIR}/shlibs "libfairvox 0 fairvox (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/triggers ${CMAKE_BINARY_DIR}/shlibs)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, espeak-ng, fonts-dejavu-core")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "cmake, g++, gcc, make, pkg-config, rustc")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  # What only Debian's packages have: compressed man pages, a changelog and copyright in its format.
  string(TIMESTAMP DEB_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC) # SOURCE_DATE_EPOCH, if it is set
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/changelog @ONLY CONTENT
"fairvox (@PROJECT_VERSION@) unstable; urgency=medium

  * See /usr/share/doc/fairvox/NEWS.gz.

 -- @CPACK_PACKAGE_CONTACT@  @DEB_DATE@
")
  install(FILES ${CMAKE_BINARY_DIR}/changelog core/package/copyright DESTINATION ${DOC_DIR})
  install(FILES core/package/lintian-overrides DESTINATION share/lintian/overrides RENAME fairvox)
  install(CODE "execute_process(COMMAND sh -c \"find \$1 -type f -exec gzip -9nf {} +; rm -f \$2/LICENSE\" sh
    \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR} \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${DOC_DIR}
    COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB large \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${DOC_DIR}/changelog \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${DOC_DIR}/NEWS)
  execute_process(COMMAND gzip -9nf \${large} COMMAND_ERROR_IS_FATAL ANY)")
endif()
include(CPack)

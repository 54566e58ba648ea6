file(GLOB speech CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins/encoders/shared/*.c)
target_sources(plugin-wavlm PRIVATE ${speech})
target_include_directories(plugin-wavlm PRIVATE ${CMAKE_SOURCE_DIR}/plugins/encoders/shared)
target_link_libraries(plugin-wavlm PRIVATE PkgConfig::DEPS)

file(GLOB speech CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins/encoders/shared/*.c)
target_sources(plugin-wav2vec2 PRIVATE ${speech})
target_include_directories(plugin-wav2vec2 PRIVATE ${CMAKE_SOURCE_DIR}/plugins/encoders/shared)
target_link_libraries(plugin-wav2vec2 PRIVATE PkgConfig::DEPS)

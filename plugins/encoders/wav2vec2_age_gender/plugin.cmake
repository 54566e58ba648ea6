file(GLOB speech CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/plugins/encoders/shared/*.c)
target_sources(plugin-wav2vec2_age_gender PRIVATE ${speech})
target_include_directories(plugin-wav2vec2_age_gender PRIVATE ${CMAKE_SOURCE_DIR}/plugins/encoders/shared)
target_link_libraries(plugin-wav2vec2_age_gender PRIVATE PkgConfig::DEPS)

# SPDX-License-Identifier: Apache-2.0
# make_fixtures, for tests/gpu/fixtures: what the processor computes for networks that tests/gpu/run tries on a GPU.
add_executable(make_fixtures gpu/make_fixtures.c gpu/networks.c gpu/fixture.c)
target_include_directories(make_fixtures PRIVATE gpu)
target_link_libraries(make_fixtures PRIVATE test_support)
add_plugin_parts(make_fixtures ecapa)
add_plugin_parts(make_fixtures ge2e)

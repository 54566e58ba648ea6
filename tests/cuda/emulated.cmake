# SPDX-License-Identifier: Apache-2.0
# The device cuda-emulated: core/src/backend/cuda, compiled for the host over the stand-in for CUDA in this folder. Each
# cuda/test_*.c is linked with it and is one ctest entry with the label `emulated`. nvcc/kernels compiles the kernels by nvcc.
if(HAS_CUDA)
  add_test(NAME nvcc/kernels COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/cuda/nvcc.py
           --nvcc ${CMAKE_CUDA_COMPILER})
  set_tests_properties(nvcc/kernels PROPERTIES LABELS nvcc TIMEOUT 900)
endif()

if(CMAKE_CXX_COMPILER)
  set(CUDA_FOLDER ${CMAKE_SOURCE_DIR}/core/src/backend/cuda)
  file(GLOB EMULATED_KERNELS CONFIGURE_DEPENDS ${CUDA_FOLDER}/*.cu)
  file(GLOB EMULATED_HOST CONFIGURE_DEPENDS ${CUDA_FOLDER}/*.cpp)
  list(FILTER EMULATED_HOST EXCLUDE REGEX "gemm_cublaslt")
  file(GLOB EMULATED_STANDIN CONFIGURE_DEPENDS cuda/*.cpp)
  list(FILTER EMULATED_STANDIN EXCLUDE REGEX "/test_")
  set_source_files_properties(${EMULATED_KERNELS} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS
                              "-xc++;-Wno-unknown-pragmas;-Wno-sign-conversion;-Wno-pass-failed")
  # clang, unlike GCC, counts changes of sign as a part of -Wconversion in C++ too.
  set_source_files_properties(${EMULATED_HOST} ${EMULATED_STANDIN} PROPERTIES COMPILE_OPTIONS -Wno-sign-conversion)
  add_library(cuda_emulated STATIC ${EMULATED_KERNELS} ${EMULATED_HOST} ${EMULATED_STANDIN})
  set_target_properties(cuda_emulated PROPERTIES CXX_STANDARD 14 CXX_EXTENSIONS OFF)
  target_include_directories(cuda_emulated PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/cuda
                             PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/cuda/include ${CUDA_FOLDER} ${CMAKE_SOURCE_DIR}/core/src)
  target_compile_definitions(cuda_emulated PRIVATE FAIRVOX_VERSION="${PROJECT_VERSION}"
                             FAIRVOX_CUDA_NAME="cuda-emulated" FAIRVOX_CUDA_ARCHITECTURES="75 80 90")
  target_link_libraries(cuda_emulated PRIVATE fairvox fairvox_flags)

  file(GLOB EMULATED_TESTS CONFIGURE_DEPENDS cuda/test_*.c)
  foreach(source IN LISTS EMULATED_TESTS)
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source} cuda/op_test.c)
    target_link_libraries(${name} PRIVATE cuda_emulated test_support)
    add_test(NAME emulated/${name} COMMAND ${name})
    set_tests_properties(emulated/${name} PROPERTIES ENVIRONMENT "${TEST_ENVIRONMENT}"
                         SKIP_RETURN_CODE 77 LABELS emulated TIMEOUT 900)
  endforeach()

  # The stand-in itself
  add_executable(test_cuda_runtime cuda/test_cuda_runtime.cpp)
  set_target_properties(test_cuda_runtime PROPERTIES CXX_STANDARD 14 CXX_EXTENSIONS OFF)
  target_include_directories(test_cuda_runtime PRIVATE cuda/include ${CUDA_FOLDER})
  target_link_libraries(test_cuda_runtime PRIVATE cuda_emulated test_support)
  add_test(NAME emulated/test_cuda_runtime COMMAND test_cuda_runtime)
  set_tests_properties(emulated/test_cuda_runtime PROPERTIES LABELS emulated TIMEOUT 900)

  # Tests of encoders, computed on the emulated GPU: program, the tests of it that are about what is computed.
  function(add_emulated_test name source filter)
    add_executable(emulated_${name} ${source} cuda/emulated_device.c)
    target_link_libraries(emulated_${name} PRIVATE cuda_emulated test_support)
    add_test(NAME emulated/${name} COMMAND emulated_${name})
    set_tests_properties(emulated/${name} PROPERTIES SKIP_RETURN_CODE 77 LABELS emulated TIMEOUT 900
                         ENVIRONMENT "${TEST_ENVIRONMENT};FAIRVOX_TEST_FILTER=${filter}")
  endfunction()
  add_emulated_test(trunk core/test_trunk.c "*")
  add_emulated_test(speech plugins/test_speech.c "as_the_reference")
  add_emulated_test(ecapa plugins/test_ecapa.c "as_speechbrain*")
  add_plugin_parts(emulated_ecapa ecapa)
  add_emulated_test(ge2e plugins/test_ge2e.c "as_resemblyzer*")
  add_plugin_parts(emulated_ge2e ge2e)
  add_emulated_test(packs plugins/test_packs.c "packed_as_alone")

  # The same as a module, which tests/cli/emulated.bats gives to the program.
  add_library(cuda_emulated_module MODULE cuda/emulated_module.c)
  set_target_properties(cuda_emulated_module PROPERTIES OUTPUT_NAME fairvox-cuda
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/emulated)
  target_link_libraries(cuda_emulated_module PRIVATE -Wl,--whole-archive cuda_emulated -Wl,--no-whole-archive
                        fairvox fairvox_flags)
else()
  message(STATUS "no C++ compiler: the tests of the module for NVIDIA GPUs are not built")
endif()

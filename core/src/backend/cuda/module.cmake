# SPDX-License-Identifier: Apache-2.0
# libfairvox-cuda.so, which the program loads for `--device cuda` or `auto`: kernels for NVIDIA GPUs and cuBLASLt. It is
# built where nvcc is found. Neither libfairvox nor the program links to CUDA.
set(FAIRVOX_CUDA AUTO CACHE STRING "Build the module for NVIDIA GPUs: AUTO (if nvcc is found), ON or OFF")
set_property(CACHE FAIRVOX_CUDA PROPERTY STRINGS AUTO ON OFF)
set(HAS_CUDA OFF)
if(FAIRVOX_CUDA STREQUAL ON OR (FAIRVOX_CUDA STREQUAL AUTO AND NOT FAIRVOX_SANITIZE))
  # Debian's nvcc does not take the default compiler; its package nvidia-cuda-toolkit-gcc brings one that it takes.
  find_program(CUDA_HOST_COMPILER cuda-g++)
  mark_as_advanced(CUDA_HOST_COMPILER)
  if(CUDA_HOST_COMPILER AND NOT CMAKE_CUDA_HOST_COMPILER)
    set(CMAKE_CUDA_HOST_COMPILER ${CUDA_HOST_COMPILER})
  endif()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES OFF) # chosen below, by the toolkit's version
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER AND CMAKE_CXX_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit)
    if(TARGET CUDA::cublasLt AND TARGET CUDA::cudart_static)
      set(HAS_CUDA ON)
    endif()
  endif()
  if(FAIRVOX_CUDA STREQUAL ON AND NOT HAS_CUDA)
    message(FATAL_ERROR "FAIRVOX_CUDA=ON: nvcc with a compiler that it takes, libcublasLt and libcudart_static are needed")
  endif()
endif()

if(HAS_CUDA)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CUDA_ARCHITECTURES 75 80 86 89 90)
    if(CUDAToolkit_VERSION VERSION_LESS 13)
      list(PREPEND CUDA_ARCHITECTURES 70)
    endif()
    if(CUDAToolkit_VERSION VERSION_GREATER_EQUAL 12.8)
      list(APPEND CUDA_ARCHITECTURES 100 120)
    endif()
  else()
    set(CUDA_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES})
  endif()
  list(JOIN CUDA_ARCHITECTURES " " CUDA_ARCHITECTURES_TEXT)
  # The last one with PTX, which drivers compile for later GPUs.
  list(POP_BACK CUDA_ARCHITECTURES CUDA_LAST)
  list(TRANSFORM CUDA_ARCHITECTURES APPEND -real)
  set(CMAKE_CUDA_ARCHITECTURES ${CUDA_ARCHITECTURES} ${CUDA_LAST})

  file(GLOB CUDA_SOURCES CONFIGURE_DEPENDS core/src/backend/cuda/*.cu core/src/backend/cuda/*.cpp)
  add_library(fairvox-cuda MODULE ${CUDA_SOURCES})
  set_target_properties(fairvox-cuda PROPERTIES CXX_STANDARD 14 CUDA_STANDARD 14 CXX_EXTENSIONS OFF
                        CUDA_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden
                        CUDA_RUNTIME_LIBRARY Static)
  target_include_directories(fairvox-cuda PRIVATE core/src)
  target_include_directories(fairvox-cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_compile_definitions(fairvox-cuda PRIVATE FAIRVOX_VERSION="${PROJECT_VERSION}"
                             FAIRVOX_CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES_TEXT}")
  target_compile_options(fairvox-cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Wshadow -fno-exceptions -fno-rtti
                              $<$<BOOL:${FAIRVOX_WERROR}>:-Werror>>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${FAIRVOX_WERROR}>>:-Werror=all-warnings>)
  target_link_libraries(fairvox-cuda PRIVATE fairvox CUDA::cublasLt CUDA::cudart_static)
  install(TARGETS fairvox-cuda LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/fairvox/modules)
  message(STATUS "module for NVIDIA GPUs: CUDA ${CUDAToolkit_VERSION}, architectures ${CUDA_ARCHITECTURES_TEXT} and later")
else()
  message(STATUS "module for NVIDIA GPUs: not built")
endif()

/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of the stand-in for CUDA: what a stream captures runs when it is launched, as often as it is. */
#include "emulated.h"
#include "streams.hpp"

struct emulated_executable {
	std::vector<std::function<void()>> work;
};

namespace
{

std::set<cudaGraph_t> graphs;
std::set<cudaGraphExec_t> executables;

} // namespace

/* --- capture --- */

cudaError_t emulated_lose_capture(cudaStream_t stream, cudaError_t error)
{
	stream->lost = true;
	return emulated_give(error);
}

cudaError_t emulated_capture(cudaStream_t stream, std::function<void()> work)
{
	if (stream->lost)
		return emulated_give(cudaErrorStreamCaptureInvalidated);
	if (emulated.graph_fault == EMULATED_NOT_CAPTURED)
		return emulated_lose_capture(stream, cudaErrorStreamCaptureUnsupported);
	stream->captured->work.push_back(std::move(work));
	return cudaSuccess;
}

cudaError_t emulated_check_captures(cudaError_t error, bool relaxed)
{
	bool allowed = true;
	for (cudaStream_t stream : emulated_streams)
		if (stream->captured &&
			!(relaxed && stream->mode == cudaStreamCaptureModeRelaxed)) {
			stream->lost = true;
			allowed = false;
		}
	return allowed ? cudaSuccess : emulated_give(error);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
	if (emulated_find_fault())
		return emulated_give(emulated_find_fault());
	if (emulated.graph_fault == EMULATED_NO_CAPTURE)
		return emulated_give(cudaErrorCallRequiresNewerDriver);
	if (stream->captured)
		return emulated_lose_capture(stream, cudaErrorIllegalState);
	stream->captured = new emulated_graph;
	stream->lost = false;
	stream->mode = mode;
	return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
	*graph = nullptr;
	if (!stream->captured)
		return emulated_give(cudaErrorIllegalState);
	emulated_graph *captured = stream->captured;
	stream->captured = nullptr;
	if (stream->lost) {
		delete captured;
		return emulated_give(cudaErrorStreamCaptureInvalidated);
	}
	graphs.insert(captured);
	emulated.live_graphs++;
	*graph = captured;
	return cudaSuccess;
}

/* --- graphs --- */

cudaError_t cudaGraphInstantiateWithFlags(
	cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long)
{
	*executable = nullptr;
	if (!graphs.count(graph))
		emulated_refuse("a graph is instantiated that is not there");
	if (emulated_find_fault())
		return emulated_give(emulated_find_fault());
	if (emulated.graph_fault == EMULATED_NOT_INSTANTIATED)
		return emulated_give(cudaErrorMemoryAllocation);
	*executable = new emulated_executable{graph->work};
	executables.insert(*executable);
	emulated.live_graphs++;
	emulated.instantiated++;
	return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t stream)
{
	if (!executables.count(executable))
		emulated_refuse("a graph is uploaded that is not there");
	if (stream->captured)
		return emulated_lose_capture(stream, cudaErrorStreamCaptureUnsupported);
	if (emulated.graph_fault == EMULATED_NOT_UPLOADED)
		return emulated_give(cudaErrorMemoryAllocation);
	return emulated_find_fault();
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
	cudaError_t error = emulated_find_fault();
	if (!executables.count(executable))
		emulated_refuse("a graph is launched that is not there");
	emulated.replays++;
	for (size_t i = 0; i < executable->work.size() && !error; i++)
		error = emulated_enqueue(stream, executable->work[i]);
	return error;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
	if (!executables.erase(executable))
		emulated_refuse("a graph is destroyed that is not there");
	delete executable;
	emulated.live_graphs--;
	return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
	if (!graphs.erase(graph))
		emulated_refuse("a graph is destroyed that is not there");
	delete graph;
	emulated.live_graphs--;
	return cudaSuccess;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin ABI for C++17: sizes are filled in, members are set by name, and exceptions become errors.
 *
 *     struct state {
 *             double alpha;
 *             fv_status weigh(fv_ctx *ctx, const fv_batch *batch, double *v, double *value);
 *     };
 *
 *     constexpr fv_param params[] = {
 *             fairvox::real_param(FV_FIELD(state, alpha), "alpha", "share that counts")
 *                     .set_range(0, 1).set_default("0.1"),
 *     };
 *
 *     constexpr auto ops = fairvox::make<fv_loss_ops>([](auto &o) { o.weigh = fairvox::op<&state::weigh>(); });
 *
 *     constexpr auto descriptor = fairvox::make_loss<state>([](auto &d) {
 *             d.name = "my_plugin";
 *             ...
 *             fairvox::set_params(d, params);
 *             d.ops = &ops;
 *     });
 *
 *     FV_PLUGIN_ENTRY
 *     {
 *             return &descriptor;
 *     }
 *
 * The core allocates the state, zeroed, and writes the parameters into it; no constructor runs. A state
 * that needs objects with constructors keeps a pointer to them, made with new in `open` and deleted in
 * `close`.
 */
#ifndef FAIRVOX_FAIRVOX_HPP
#define FAIRVOX_FAIRVOX_HPP

#include <exception>
#include <type_traits>

#include <fairvox/fairvox.h>

namespace fairvox
{

/* A struct that starts with its size: the size is filled in, everything else is zero. */
template <typename Struct> constexpr Struct make()
{
	Struct made{};
	made.size = sizeof(Struct);
	return made;
}

/* The same, with members set by a function: make<fv_output>([](auto &o) { o.name = "energy"; }). */
template <typename Struct, typename Set> constexpr Struct make(Set set)
{
	Struct made = make<Struct>();
	set(made);
	return made;
}

/* --- ops as member functions of the state ------------------------------------------------------- */

namespace detail
{

template <typename Member> struct caller;

template <typename State, typename... Args> struct caller<fv_status (State::*)(fv_ctx *, Args...)> {
	template <fv_status (State::*member)(fv_ctx *, Args...)>
	static fv_status call(void *state, fv_ctx *ctx, Args... args) noexcept
	{
		try {
			return (static_cast<State *>(state)->*member)(ctx, args...);
		} catch (const std::exception &e) {
			return fv_fail(ctx, FV_FAILED, "exception: %s", e.what());
		} catch (...) {
			return fv_fail(ctx, FV_FAILED, "exception of an unknown type");
		}
	}
};

template <typename State, typename... Args>
struct caller<fv_status (State::*)(fv_ctx *, Args...) const> {
	template <fv_status (State::*member)(fv_ctx *, Args...) const>
	static fv_status call(const void *state, fv_ctx *ctx, Args... args) noexcept
	{
		try {
			return (static_cast<const State *>(state)->*member)(ctx, args...);
		} catch (const std::exception &e) {
			return fv_fail(ctx, FV_FAILED, "exception: %s", e.what());
		} catch (...) {
			return fv_fail(ctx, FV_FAILED, "exception of an unknown type");
		}
	}
};

/* close, uses and frames take no context and cannot fail: an exception in them ends the program. */
template <typename State> struct caller<void (State::*)()> {
	template <void (State::*member)()> static void call(void *state) noexcept
	{
		(static_cast<State *>(state)->*member)();
	}
};

template <typename State> struct caller<uint32_t (State::*)() const> {
	template <uint32_t (State::*member)() const>
	static uint32_t call(const void *state) noexcept
	{
		return (static_cast<const State *>(state)->*member)();
	}
};

template <typename State> struct caller<int64_t (State::*)(int32_t, int64_t) const> {
	template <int64_t (State::*member)(int32_t, int64_t) const>
	static int64_t call(const void *state, int32_t output, int64_t n) noexcept
	{
		return (static_cast<const State *>(state)->*member)(output, n);
	}
};

} // namespace detail

/* A member function of the state as an op: o.weigh = op<&state::weigh>(). An exception that leaves it is
 * recorded as a message, and the op returns FV_FAILED. */
template <auto member> constexpr auto op()
{
	return &detail::caller<decltype(member)>::template call<member>;
}

/* --- parameters --------------------------------------------------------------------------------- */

/* A field of the state, with its type: FV_FIELD(state, alpha). */
template <typename Type> struct field {
	size_t offset;
};

#define FV_FIELD(struct_, field_)                                                                  \
	(fairvox::field<decltype(struct_::field_)>{offsetof(struct_, field_)})

/* An entry of a parameter table that is filled in by calls; it adds nothing to fv_param. */
struct param : fv_param {
	constexpr param set_unit(const char *text) const
	{
		param changed = *this;
		changed.unit = text;
		return changed;
	}
	constexpr param set_range(double low, double high) const
	{
		param changed = *this;
		changed.min = low;
		changed.max = high;
		return changed;
	}
	/* As YAML text; one for both profiles, or one each. */
	constexpr param set_default(const char *paper, const char *official = nullptr) const
	{
		param changed = *this;
		changed.def_paper = paper;
		changed.def_official = official;
		return changed;
	}
	/* The user must give this text, path, list or loss. The other types are required whenever
	 * they have no default. */
	constexpr param set_required() const
	{
		param changed = *this;
		changed.required = 1;
		return changed;
	}
};
static_assert(sizeof(param) == sizeof(fv_param), "a table of params is a table of fv_params");

namespace detail
{

constexpr param make_param(fv_param_type type, size_t offset, const char *name, const char *doc)
{
	param made{};
	made.size = sizeof(fv_param);
	made.type = type;
	made.offset = offset;
	made.name = name;
	made.doc = doc;
	return made;
}

} // namespace detail

constexpr param int_param(field<int64_t> f, const char *name, const char *doc)
{
	return detail::make_param(FV_INT, f.offset, name, doc);
}

constexpr param real_param(field<double> f, const char *name, const char *doc)
{
	return detail::make_param(FV_REAL, f.offset, name, doc);
}

constexpr param bool_param(field<int32_t> f, const char *name, const char *doc)
{
	return detail::make_param(FV_BOOL, f.offset, name, doc);
}

/* choices: "a|b|c"; the field gets the index. */
constexpr param choice_param(
	field<int32_t> f, const char *name, const char *choices, const char *doc)
{
	param made = detail::make_param(FV_CHOICE, f.offset, name, doc);
	made.choices = choices;
	return made;
}

constexpr param string_param(field<const char *> f, const char *name, const char *doc)
{
	return detail::make_param(FV_STRING, f.offset, name, doc);
}

constexpr param path_param(field<const char *> f, const char *name, const char *doc)
{
	return detail::make_param(FV_PATH, f.offset, name, doc);
}

constexpr param list_param(field<fv_list> f, const char *name, const char *doc)
{
	return detail::make_param(FV_LIST, f.offset, name, doc);
}

/* The name of another loss, for objectives that train in stages. */
constexpr param loss_param(field<const char *> f, const char *name, const char *doc)
{
	return detail::make_param(FV_LOSS_REF, f.offset, name, doc);
}

/* --- descriptors -------------------------------------------------------------------------------- */

namespace detail
{

template <typename State, typename Set>
constexpr fv_descriptor make_descriptor(fv_kind kind, Set set)
{
	static_assert(std::is_trivial_v<State> && std::is_standard_layout_v<State>,
		"the core allocates the state: keep objects with constructors behind a pointer");
	fv_descriptor made = make<fv_descriptor>();
	made.abi = FV_ABI;
	made.kind = kind;
	made.state_size = sizeof(State);
	set(made);
	return made;
}

} // namespace detail

template <typename State, typename Set> constexpr fv_descriptor make_encoder(Set set)
{
	return detail::make_descriptor<State>(FV_ENCODER, set);
}

template <typename State, typename Set> constexpr fv_descriptor make_grouper(Set set)
{
	return detail::make_descriptor<State>(FV_GROUPER, set);
}

template <typename State, typename Set> constexpr fv_descriptor make_loss(Set set)
{
	return detail::make_descriptor<State>(FV_LOSS, set);
}

template <size_t n> constexpr void set_params(fv_descriptor &d, const fv_param (&params)[n])
{
	d.params = params;
	d.n_params = n;
}

constexpr fv_preset make_preset(const char *profile, const char *key, const char *value)
{
	return {sizeof(fv_preset), profile, key, value};
}

template <size_t n> constexpr void set_presets(fv_descriptor &d, const fv_preset (&presets)[n])
{
	d.presets = presets;
	d.n_presets = n;
}

} // namespace fairvox

#endif

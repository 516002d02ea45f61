# SPDX-License-Identifier: MIT
require_relative 'rack_app'
run(->(env) { RACK_APP.call(env) })

<?php
// SPDX-License-Identifier: MIT
// The same answers from PHP's built-in server.
$path = strtok($_SERVER['REQUEST_URI'], '?');
$found = ['/hello' => 'hello', '/echo' => file_get_contents('php://input')];
if ($path === '/large') {
    $found['/large'] = str_repeat('x', 8 * 1024 * 1024);
} elseif ($path === '/stream') {
    for ($i = 0; $i < 3; $i++) {
        echo str_repeat('x', 65536);
        flush();
    }
    return true;
}
http_response_code(isset($found[$path]) ? 200 : 404);
$body = $found[$path] ?? '';
header('Content-Length: ' . strlen($body));
if ($_SERVER['REQUEST_METHOD'] !== 'HEAD') {
    echo $body;
}
return true;

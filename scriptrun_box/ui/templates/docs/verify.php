<?php

const LATEST_SECONDS = 300;

/** $body: the raw body as it arrived, file_get_contents('php://input'), not yet parsed. */
function is_from_scriptrun(string $body, string $header, string $secret, ?int $now = null): bool
{
    $parts = explode(',', $header);
    $sentAt = '';
    foreach ($parts as $part) {
        if (str_starts_with($part, 't=')) {
            $sentAt = substr($part, 2);
        }
    }
    if (!preg_match('/^[0-9]+$/', $sentAt) || abs(($now ?? time()) - (int) $sentAt) > LATEST_SECONDS) {
        return false;
    }
    $wanted = hash_hmac('sha256', "$sentAt.$body", $secret);
    foreach ($parts as $part) {
        if (str_starts_with($part, 'v1=') && hash_equals($wanted, substr($part, 3))) {
            return true;
        }
    }
    return false;
}

using System;
using System.Security.Cryptography;
using System.Text;

public static class ScriptRun
{
    const long LatestSeconds = 300;

    // body: the raw bytes as they arrived, before any JSON parser has touched them; now: the time
    // in seconds, DateTimeOffset.UtcNow.ToUnixTimeSeconds().
    public static bool IsFromScriptRun(byte[] body, string header, string secret, long now)
    {
        string[] parts = header.Split(',');
        string sentAt = "";
        foreach (string part in parts)
            if (part.StartsWith("t=", StringComparison.Ordinal)) sentAt = part.Substring(2);
        long at;
        if (!long.TryParse(sentAt, out at) || Math.Abs(now - at) > LatestSeconds) return false;
        byte[] start = Encoding.UTF8.GetBytes(sentAt + ".");
        byte[] signed = new byte[start.Length + body.Length];
        Buffer.BlockCopy(start, 0, signed, 0, start.Length);
        Buffer.BlockCopy(body, 0, signed, start.Length, body.Length);
        string wanted;
        using (var mac = new HMACSHA256(Encoding.UTF8.GetBytes(secret)))
            wanted = BitConverter.ToString(mac.ComputeHash(signed)).Replace("-", "").ToLowerInvariant();
        bool right = false;
        foreach (string part in parts)
            if (part.StartsWith("v1=", StringComparison.Ordinal)) right |= Same(wanted, part.Substring(3));
        return right;
    }

    // Takes as long for a wrong signature as for the right one.
    static bool Same(string wanted, string given)
    {
        int different = wanted.Length ^ given.Length;
        for (int place = 0; place < wanted.Length && place < given.Length; place++)
            different |= wanted[place] ^ given[place];
        return different == 0;
    }
}
